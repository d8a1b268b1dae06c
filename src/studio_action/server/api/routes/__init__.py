"""The endpoints. Each reads what is asked, asks, and answers; others decide."""
