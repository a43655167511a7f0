"""What all pages and HTTP interfaces share: one application shape, one layout, one way to refuse.

`app` assembles it, `middleware` and `guards` stand around every request, `problems` turns
exceptions into answers, `pages` renders, `forms` reads what people filled in.
"""
