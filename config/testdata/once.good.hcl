# With once there is nothing to be quiet about, but a template's own wait stays.
once = true
wait = "5s"
template {
  source = "a"
}
template {
  source = "b"
  wait   = "1s"
}
