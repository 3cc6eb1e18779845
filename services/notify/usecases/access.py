"""Who may do what."""

READ = "messages.read"
MANAGE = "messages.manage"
