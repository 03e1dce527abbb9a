# The lists of patterns add up, other settings are those of the last stanza.
exec {
  command = "lost"
}
exec {
  command = "app --flag=a,b"
  env {
    allowlist = ["A"]
    whitelist = ["B"]
  }
}
