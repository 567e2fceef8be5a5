package slack

// Events lists what Options.Count is called with, for metrics.
func Events() []string {
	return []string{
		"ceiling unknown", "connected", "connection failed", "disconnected", "duplicate", "events limited", "form not opened", "malformed", "not taken",
		"not told", "outsider", "panic", "rate limited", "redelivered", "replay", "signature time", "signature wrong", "too large", "turned away",
	}
}
