"""Where notices go: what each kind of channel may be told, and the routes and silences before them."""
