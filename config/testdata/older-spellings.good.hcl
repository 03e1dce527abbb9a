# What old consul-template files look like.
consul = "10.0.0.2:8500"

wait = "5s"

Template {
  Source          = "a.ctmpl"
  destination     = "a.conf"
  command         = "echo a, b; service nginx reload"
  command_timeout = "60s"
  perms           = 0640
  uid             = 0
  gid             = 33
}

template {
  contents = <<EOT
{{ range services }}
{{ .Name }}
{{ end }}
EOT
  destination     = "b.conf"
  command         = "loses"
  command_timeout = "1s"
  uid             = 7
  user            = "wins"
  wait            = "2s:3s"

  exec {
    command = "wins"
  }
}

template {
  source = "off.ctmpl"
  wait {
    bool = false
    min  = "9s"
  }
  exec {
    enabled = true
    command = ["a", "b,c"]
    timeout = "0s"
  }
}

# A bare number is in nanoseconds.
max_stale     = 1500000000
kill_signal   = ""
reload_signal = "SIGNULL"
