"""How Georgian writes dates and times; Django's own table has the clock of twelve hours."""

TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j F, Y, H:i"
SHORT_DATETIME_FORMAT = "j.m.Y H:i"
SHORT_DATE_FORMAT = "j.m.Y"
