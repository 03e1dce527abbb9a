max_stale = "2"
block_query_wait = "soon"
wait = "5"
template {
  source = "a"
  command_timeout = "1 s"
}
