# In one file the last stanza counts, and nothing of the earlier ones; only
# template accumulates.
consul {
  address = "first:8500"
  token   = "planted-first"
}
consul {
  address = "last:8500"
}
log_level = "info"
log_level = "debug"
template {
  source = "a"
}
template {
  source = "b"
}
