template {
  source  = "a"
  command = "b"
  lock {
    key   = "/"
    limit = 0
    hold  = "-1s"
  }
}
template {
  source = "c"
  lock { key = "locks/c" }
}
template {
  source      = "d"
  destination = "d.conf"
}
group "d" {
  templates = ["d.conf"]
  command   = "e"
  lock { limit = 129 }
}
