deduplicate {
  enabled = true
}
consul {
  ssl {
    ca_cert_bytes = "x"
  }
}
template {
  source = "a"
}
