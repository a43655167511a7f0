"""Docker compose: what the image holds beside the services, the one-shot jobs of a stack, and the commands around it."""
