"""What a trigger, a step, a condition and a message can be: typed models with label, icon, ports and sentences.

Plain values in, plain values out; knows Klaviyo's words and no Django. Start at registry.py.
"""
