"""The structures behind the values: they know no client, no key and no protocol."""
