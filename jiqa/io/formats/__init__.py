"""One module a family of image files: what the header says, and the samples as stored.

==========  ==================================  =======================================
format      read                                refused, with the reason
==========  ==================================  =======================================
PNG         all of it; of APNG the first frame
JPEG        grey, YCbCr, RGB, CMYK, YCCK;       hierarchical files
            8 and 12 bits, lossless 2 to 16
JPEG 2000   grey, RGB, sYCC, CMYK, palettes;    signed samples, over 16 bits, Lab,
            1 to 16 bits, alpha                 e-sYCC, components of unequal depth or
                                                (but for sYCC) size
TIFF        bilevel, grey, palettes, RGB,       floating-point and signed samples, over
            CMYK, Lab, YCbCr; 1 to 16 bits,     16 bits, raw sensor data, LogLuv,
            alpha of both kinds, strips and     spectral bands, inks other than CMYK,
            tiles, BigTIFF; the first page      subsampled YCbCr without JPEG
PNM         P1 to P6 with every maximum         PAM and PFM
BMP         1 to 32 bits, run-length coded
GIF         all of it; the first frame
WebP        all of it; the first frame
==========  ==================================  =======================================

Samples of up to 8 bits are scaled to uint8, deeper ones to uint16. Extra samples of
TIFF that are not alpha are left out. EXIF's and TIFF's orientation is applied; an
orientation in XMP counts where there is none in EXIF. Each module has two functions:
``read_header(file)`` and ``read_samples(file, header)``, of an open binary file.
"""
