"""Sends files under signed URLs."""
