"""Local work on texts, sound and films: cutting, joining, subtitles, playing. Nothing here uses the network."""
