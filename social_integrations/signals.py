"""What happened here, for the host project to hook on; nothing inside the app listens.

All are sent with `send_robust` after the transaction has committed: a receiver always finds the
rows, and one that raises harms nothing.
"""

from django.dispatch import Signal

# An Instagram account was connected, or connected again.
# sender: ConnectedAccount; account: the ConnectedAccount; user: who connected it;
# created: whether the CRM knows it for the first time.
account_connected = Signal()

# An account was disconnected: its token is gone, what was received stays.
# sender: ConnectedAccount; account: the ConnectedAccount; reason: why, a sentence for people.
account_disconnected = Signal()

# A message was stored, from the customer or an echo of the business.
# sender: Message; message: the Message.
message_received = Signal()
