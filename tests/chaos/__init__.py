"""The campaign: real processes under load while everything around them dies; a ledger kept outside says what was lost."""
