template {
  source      = "a"
  destination = "a.conf"
  command     = "own"
}
template {
  source      = "b"
  destination = "b.conf"
}
group "one" {
  templates = ["a.conf", "b.conf", "c.conf"]
  command   = "reload"
}
group "two" {
  templates = ["b.conf"]
}
