package commands

func incidentCommands(p Parts) []Command { return nil }
