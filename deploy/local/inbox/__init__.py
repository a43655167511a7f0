"""The dev inbox: everybody's mailbox and phone, for the demo, the tests and a first look.

It takes mail by SMTP and text messages by HTTP, keeps the newest 5,000 of them, and shows them
with their calendar entries and links. Nothing is ever sent on.

To see how Gemba meets trouble, some recipients refuse: mail to ``bounce…@`` is refused for good
(550), to ``later…@`` for now (451); a text message to a number that ends in 0000 is refused.
"""
