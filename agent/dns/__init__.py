"""Our own DNS client: questions, answers, and the resolver that checks use."""
