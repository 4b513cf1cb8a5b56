"""The tags and filters that Klaviyo documents for messages, each group with its source. For tags.py and rendering.py.

Klaviyo's engine is Django's template language with a library of its own.
"""

from __future__ import annotations

# Opening -> (closing, what may stand between). https://developers.klaviyo.com/en/docs/django_message_design
BLOCKS: dict[str, tuple[str, frozenset[str]]] = {
    "if": ("endif", frozenset({"elif", "else"})),
    "for": ("endfor", frozenset({"empty"})),
    "with": ("endwith", frozenset()),
    "comment": ("endcomment", frozenset()),
    "verbatim": ("endverbatim", frozenset()),
    "spaceless": ("endspaceless", frozenset()),
    "autoescape": ("endautoescape", frozenset()),
    "ifchanged": ("endifchanged", frozenset({"else"})),
    "filter": ("endfilter", frozenset()),
    # https://help.klaviyo.com/hc/en-us/articles/360004785571 (catalog), .../35146367972763 (custom objects)
    "catalog": ("endcatalog", frozenset()),
    "customobject": ("endcustomobject", frozenset()),
    "customobjects": ("endcustomobjects", frozenset()),
}
CLOSINGS = {closing: opening for opening, (closing, _) in BLOCKS.items()}
MIDDLES = frozenset().union(*(middles for _, middles in BLOCKS.values()))
RAW = frozenset({"comment", "verbatim"})  # what stands inside is no tag

# Links that a recipient gets; with “_link”, the address alone. .../4408802648731 (message personalization)
LINKS = {
    "unsubscribe": "Unsubscribe",
    "manage_preferences": "Manage Preferences",
    "web_view": "View in Your Browser",
}
TAGS = frozenset(
    {
        *LINKS,
        *(f"{name}_link" for name in LINKS),
        *("render_variable", "update_property_link", "coupon_code", "barcode", "has_category"),
        # .../115005257788 (dates) and .../4408802648731 (currency)
        *("current_day", "current_month", "current_year", "current_weekday", "current_month_name"),
        *("today", "currency_format"),
        # Django's own: https://docs.djangoproject.com/en/stable/ref/templates/builtins/
        *("now", "firstof", "cycle", "resetcycle", "widthratio", "templatetag", "lorem", "regroup", "load"),
    }
)
# Other template languages -> what Klaviyo writes instead.
INSTEAD = {
    "elsif": "elif",
    "elseif": "elif",
    "assign": "with",
    "set": "with",
    "capture": "with",
    "unless": "if not",
    "endunless": "endif",
    "raw": "verbatim",
    "endraw": "endverbatim",
    "coupon": "coupon_code",
    "view_in_browser": "web_view",
    "unsubscribe_url": "unsubscribe_link",
    "manage_preferences_url": "manage_preferences_link",
}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# https://docs.djangoproject.com/en/stable/ref/templates/builtins/#built-in-filter-reference
_DJANGO = _names(
    """add addslashes capfirst center cut date default default_if_none dictsort dictsortreversed divisibleby escape
    escapejs escapeseq filesizeformat first floatformat force_escape get_digit iriencode join json_script last
    length length_is linebreaks linebreaksbr linenumbers ljust lower make_list phone2numeric pluralize pprint
    random rjust safe safeseq slice slugify stringformat striptags time timesince timeuntil title truncatechars
    truncatechars_html truncatewords truncatewords_html unordered_list upper urlencode urlize urlizetrunc
    wordcount wordwrap yesno"""
)
# https://developers.klaviyo.com/en/docs/glossary_of_variable_filters
_KLAVIYO = _names(
    """abs append at_least at_most base64_decode base64_encode base64_url_safe_decode base64_url_safe_encode
    capitalize ceil compact concat count datetime_from_string days_later dictfilter divide downcase escape_once
    find_replace floatadd floatsub floor format_date_string gt gte httpize httpsize list_to_string list_where
    lookup lstrip lt lte map md5_hash minus missing_image missing_product_image modulo multiply newline_to_br
    percentize plus prepend remainder remove remove_first remove_last replace_first replace_last resplit reverse
    round round_down round_up rstrip sha_1 sha_256 size sort sort_natural split strip strip_html strip_newlines
    sum_list trim_slash truncate uniq upcase urldecode urldecodeplus urlencodeplus weeks_since"""
)
# In use in real templates, and in no glossary.
_SEEN = frozenset({"string_to_object", "currency_format"})
FILTERS = _DJANGO | _KLAVIYO | _SEEN
