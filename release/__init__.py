"""Makes a release: what it holds, and how that is proved. Users do not install it."""
