template {
  destination = "a"
}
template {
  source = "a"
  contents = "b"
}
