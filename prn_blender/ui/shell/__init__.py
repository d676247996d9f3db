"""What all panels share: session, jobs, dependencies, preferences."""

from . import commands, memory, preferences, session

CLASSES = (preferences.PRN_AP_preferences, memory.PRN_OT_release_memory)
PARTS = (commands, session)
