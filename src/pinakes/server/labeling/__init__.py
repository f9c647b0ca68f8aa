"""Labels of media: classes and tags, annotations, figures and their history; the queues in which they are made."""
