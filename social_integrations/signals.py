"""What happened here, for the host project to hook on; nothing inside the app listens.

All are sent with `send_robust` after the transaction has committed: a receiver always finds the
rows, and one that raises harms nothing.
"""

from django.dispatch import Signal

# An Instagram account was connected, or connected again.
# sender: ConnectedAccount; account: the ConnectedAccount; user: who connected it;
# created: whether the CRM knows it for the first time.
account_connected = Signal()

# A conversation got its first message.
# sender: Conversation; conversation: the Conversation.
conversation_created = Signal()

# A message was stored, from the customer or an echo of the business.
# sender: Message; message: the Message.
message_received = Signal()

# What is shown of a message changed: it was edited, or a better copy of it arrived.
# sender: Message; message: the Message.
message_updated = Signal()

# A message was unsent by its sender; its content is gone here as well.
# sender: Message; message: the Message.
message_unsent = Signal()

# Somebody reacted to a message, changed the reaction or took it back.
# sender: Message; message: the Message.
reaction_changed = Signal()

# A message of this CRM's went out: Meta took it and named its id, or its echo settled it.
# sender: Message; message: the Message.
message_sent = Signal()

# A message of this CRM's did not go out and is not tried again by itself.
# sender: Message; message: the Message, with error_code, error_text and error_action.
message_failed = Signal()

# A conversation was given to somebody, or to nobody.
# sender: Conversation; conversation: the Conversation; assigned_to: the user or None; by: the user.
conversation_assigned = Signal()

# Meta sent something this version does not know: it is kept, and can be applied after an update.
# sender: WebhookEvent; event: the WebhookEvent; unknown: what is not known, in a few words.
event_unknown = Signal()
# Meta no longer accepts our access to an account, or no key fits its token: a person has to connect
# it again. sender: ConnectedAccount; account: the ConnectedAccount; event: a key of
# services/states.py; reason: a sentence.
account_reauth_required = Signal()

# An account was disconnected: by a person here, or because the app was removed at Meta.
# sender: ConnectedAccount; account: the ConnectedAccount; event: as above; reason: a sentence;
# by: the user, or None.
account_disconnected = Signal()

# An account's token, or Meta's consent to see its data, ends soon and was not renewed. Once each at
# 14, 7 and 2 days. sender: ConnectedAccount; account: the ConnectedAccount; what: "token" or
# "data_access"; expires_at: when; days: the bound that was reached.
token_expiring = Signal()
