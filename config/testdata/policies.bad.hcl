on_command_error = "rollbak"
template {
  source           = "a"
  on_command_error = "stop"
  write            = "in-place"
  command_retries  = -1
  max_shrink       = "150%"
}
template {
  source = "-"
}
