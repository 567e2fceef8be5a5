package commands

func scanCommands(p Parts) []Command { return nil }
