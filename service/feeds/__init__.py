"""The formats a feed comes in: one module each."""
