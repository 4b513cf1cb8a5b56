"""Klaviyo's flow definitions: read from outside, written for Create Flow, compared, checked, frozen in versions.

Plain values in, plain values out; knows no rows and makes no calls.
"""
