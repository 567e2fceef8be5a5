package discord

// Events lists what Options.Count is called with, for metrics.
func Events() []string {
	return []string{
		"channel deleted", "connected", "connection failed", "disconnected", "duplicate", "malformed", "member unknown", "not answered", "not registered",
		"not suggested", "not taken", "outsider", "panic", "rate limited", "registered", "removed", "signature time", "signature wrong", "too large",
		"turned away", "zombie",
	}
}
