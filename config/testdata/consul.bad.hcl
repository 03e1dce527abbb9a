consul {
  mode = "stael"
  max_connections = 3
  auth {
    enabled = true
  }
  ssl {
    key = "k.pem"
  }
  retry {
    backoff = "-1s"
    max_backoff = "-2s"
  }
  transport {
    dial_timeout = "-3s"
    idle_conn_timeout = "-4s"
    tls_handshake_timeout = "-5s"
  }
}
