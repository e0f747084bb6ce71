"""The demo's invented past: 90 days of a ferry line's services, as `farwatch demo` shows them."""
