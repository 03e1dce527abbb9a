template {
  source      = "@haproxy"
  destination = "out"
  reload "haproxi" {}
}
