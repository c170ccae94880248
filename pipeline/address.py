"""Addresses of servers, as messages show them."""

import re


def without_password(text: str) -> str:
    """An address, or a text with addresses, without users and passwords, for messages.

    A password may hold ``@`` and ``/``: it should not, but many do, and SQLAlchemy takes it.

    >>> without_password("https://me:secret@host:5000/x"), without_password("no http://me:a/b@c@host!")
    ('https://host:5000/x', 'no http://host!')
    >>> without_password("postgresql:///runs?user=me&password=secret&port=1")
    'postgresql:///runs?user=me&password=...&port=1'
    """
    text = re.sub(r"(?<=:)//(?:[^:/@\s]*:(?!\d+/)[^\s]*@|[^/\s]*@)", "//", text)
    return re.sub(r"(?i)([?&]\w*(?:password|passwd|pwd|token|secret)=)[^&\s]*", r"\1...", text)
