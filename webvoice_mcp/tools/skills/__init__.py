"""Skills: texts for agents that say which tools make something whole, in their order."""
