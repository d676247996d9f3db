"""Photos to a `Capture`, without Blender: `run` is where every caller comes in, `reconstruct` the flow."""
