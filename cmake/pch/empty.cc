// Only here because a precompiled header needs a target that has a source.
