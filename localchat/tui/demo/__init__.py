"""``localchat demo``: what sets localchat apart, in a minute, on a store that is thrown away."""
