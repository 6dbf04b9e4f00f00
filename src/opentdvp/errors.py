"""Errors that a user can act on: each is one line that names what is wrong."""


class OpentdvpError(Exception):
    """Base of all errors that the command line prints as one line, without a traceback."""


class ConfigError(OpentdvpError):
    """A configuration that is not valid; the message names the key."""


class FileError(OpentdvpError):
    """A file that is missing, broken, foreign, or cannot be written."""


class DamagedFileError(FileError):
    """A file that is truncated or damaged, or no file of ours."""


class NumericalFailure(OpentdvpError):
    """A run that stopped because its numbers went wrong; nothing of it may be compared."""


class JobFailure(OpentdvpError):
    """A command that a study needs and that failed; the message has its last line."""


class Interrupted(OpentdvpError):
    """A run that was asked to stop; its checkpoint is saved and the same command goes on."""
