"""Tools that know nothing of locks: clock, ids, backoff, signing, sealing of secrets."""
