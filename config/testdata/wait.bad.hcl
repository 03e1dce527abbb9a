wait = "5s:2s"
template {
  source = "a"
  wait = "-5s"
}
