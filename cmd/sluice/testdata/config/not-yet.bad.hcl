vault {
  address = "https://vault"
}
nomad {}
exec {
  command = "app"
}
deduplicate {
  enabled = true
}
syslog {}
log_file {}
err_on_failed_lookup = true
parseonly = true
consul {
  ssl {
    ca_cert_bytes = "x"
  }
}
template {
  source = "a"
  sandbox_path = "/x"
  function_denylist = ["env"]
  function_blacklist = ["env"]
  exec {
    command = "x"
    splay = "1s"
    kill_signal = "SIGTERM"
    kill_timeout = "1s"
    reload_signal = "SIGHUP"
    env {
      pristine = true
    }
  }
}
