service "nothing" {}
service "both" {
  service = "a"
  targets = ["http://10.0.0.1"]
}
service "mixed" {
  targets = ["http://10.0.0.1"]
  failover {
    service  = "a"
    fallback = "b"
  }
}
service "two" {
  weighted { services { name = "a" } }
  failover {
    service  = "a"
    fallback = "b"
  }
}
service "weight" { weighted { services { name = "a" weight = -1 } } }
service "target" { targets = ["10.0.0.1:80"] }
service "scheme" {
  service = "a"
  scheme  = "ftp"
}
service "a@file" { service = "a" }
service "twice" { service = "a" }
service "Twice" { service = "a" }
service "balance" {
  service = "a"
  load_balancer { strategy = "wheel" }
}
route "other" {
  path    = "/a"
  service = "twice"
  scheme  = "https"
}
