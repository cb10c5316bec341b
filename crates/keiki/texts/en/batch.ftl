batch-title = Reading
batch-author = Run by
batch-claims = Speaks for
batch-retired = records are gone
batch-files = Raw files
batch-file = File
batch-bytes = Bytes
log-read-personal-file = took a raw file that names people
