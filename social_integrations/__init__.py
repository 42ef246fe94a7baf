"""Instagram messaging for Django CRMs."""

__version__ = "0.1.0"
