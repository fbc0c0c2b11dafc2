"""The torch networks whose checkpoints are converted; only the converter imports them.

Module attributes carry upstream's names, so that a checkpoint's keys fit as they are.
"""
