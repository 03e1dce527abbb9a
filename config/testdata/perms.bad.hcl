template {
  source = "a"
  perms = "rw-r--r--"
}
template {
  source = "a"
  perms = 33188
}
template {
  source = "a"
  perms = "0999"
}
