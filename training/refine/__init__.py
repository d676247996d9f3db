"""The second pass: a small network that sees the photo unwrapped over UV, and tells how far off the first pass is."""
