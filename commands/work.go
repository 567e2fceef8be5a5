package commands

// workCommands are what people do about servers: claim, prove, vouch, accept,
// confirm and approve.
func workCommands(p Parts) []Command {
	return []Command{
		claim{p.Store, p.Now},
	}
}

// boardCommands are what people look at, and what goes out to others.
func boardCommands(Parts) []Command {
	return nil
}
