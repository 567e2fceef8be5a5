package commands

func serverCommands(p Parts) []Command { return nil }
